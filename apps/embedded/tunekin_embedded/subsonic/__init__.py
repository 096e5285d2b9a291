"""Music that lives at a Subsonic server: what it has, and its sound files."""
