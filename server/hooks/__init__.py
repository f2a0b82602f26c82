"""CDS Hooks: the EHR asks while a record is opened, and is told that the form may help."""
