"""What clients of Subsonic servers may ask, as the OpenSubsonic API has it."""
