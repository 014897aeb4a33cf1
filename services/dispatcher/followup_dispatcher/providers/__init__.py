"""Providers: one file each, behind one port."""
