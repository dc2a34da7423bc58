"""What an installation must not lose: its backup and its restore, plain copies with checksums."""
