"""The frozen records that pass between the stages.

Names carry their units: ``_s`` seconds, ``_ms`` milliseconds, ``_us`` microseconds, ``_rps``
successful requests per second, ``_ratio`` a share of one, ``_cpus`` CPU-seconds per second.
Moments (``_at_s``) are seconds since the epoch. ``None`` means "not known", never zero.
"""
