"""The drawings of ``report.html``: pure functions from a result to places and texts."""
