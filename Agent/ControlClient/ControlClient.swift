// The HTTP client of the control surface.
