// The HTTP server of the control surface.
