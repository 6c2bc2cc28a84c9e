"""The XOR of a masking key (RFC 6455 §5.3), in C where websockets was built with it, as websockets itself chooses."""

try:
    from websockets.speedups import apply_mask
except ImportError:
    from websockets.utils import apply_mask

__all__ = ["apply_mask"]
