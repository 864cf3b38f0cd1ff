"""The words of certify as frozen, serialisable values. Nothing here does I/O."""
