"""What each command of the command line does, one module each. Settings in, text or JSON out."""
