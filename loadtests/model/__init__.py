"""The frozen records that pass between the stages.

Units stand in the names: ``_s`` seconds, ``_ms`` milliseconds, ``_us`` microseconds, ``_rps``
successful requests per second, ``_ratio`` a share of one, ``_cpus`` CPU-seconds per second.
Moments (``_at_s``) are seconds since the epoch, which every process of a stack shares. ``None``
means "not known", and never stands for zero.
"""
