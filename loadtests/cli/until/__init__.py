"""``twofold run --until``: how far does it scale?"""
