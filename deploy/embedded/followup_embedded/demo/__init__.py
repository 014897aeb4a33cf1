"""Four hundred leads, a whole sequence, simulated people, and a judge who trusts nobody."""
