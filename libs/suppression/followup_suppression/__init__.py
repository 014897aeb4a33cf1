"""What stops messages: the list, holds and epochs; the fence."""
