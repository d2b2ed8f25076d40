"""An invented country: a landing zone of any size, made from a seed, and the truth about what is broken in it."""
