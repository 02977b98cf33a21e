"""Tests over one live server and its events, set up once: a package, so that pytest shares them so far."""
