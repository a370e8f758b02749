"""The sentences and tables that several formats share. PURE."""
