"""What is tested: the target, what users ask of it, and what a run can choose among."""
