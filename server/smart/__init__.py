"""SMART App Launch: the form, opened from an EHR for the patient who is on its screen."""
