"""The window: Qt in front of the engine."""
