"""When requests are sent: closed loop, open loop, and the clock behind them."""
