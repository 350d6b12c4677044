"""Single sign-on by OpenID Connect (OpenID Connect Core 1.0), set up by the environment alone."""
