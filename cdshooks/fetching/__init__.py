"""Asks the FHIR servers of EHRs for what was not prefetched: bounded in time, size and place, and never a word about the token."""
