"""What programs ask and are answered: JSON, and tables of patients."""
