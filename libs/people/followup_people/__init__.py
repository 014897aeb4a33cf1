"""Persons, leads, contact points, consent and attributes."""
