"""What a request of a locustfile is made from: its target, its body and its rarer options."""
