"""Reading what a tool needs of a clip, and writing the clip that it made."""
