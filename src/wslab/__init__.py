"""WebSocket Lab: see the real event loop and the real bytes of a real server that runs in your notebook."""
