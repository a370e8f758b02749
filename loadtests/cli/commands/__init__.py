"""The commands of twofold: one file each; each defines ``command``."""
