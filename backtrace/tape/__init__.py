"""The one tape that every reader reads: network → tape → trace."""
