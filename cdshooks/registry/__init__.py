"""Study records of ClinicalTrials.gov: read, imported, fetched when they change, and told to those who match trials."""
