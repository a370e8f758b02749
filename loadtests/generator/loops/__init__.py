"""Decides when requests are sent: closed loop, open loop, and their timers."""
