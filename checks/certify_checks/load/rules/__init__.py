"""What each rule decides of a load. Pure."""
