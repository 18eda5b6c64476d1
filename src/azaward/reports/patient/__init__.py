"""What a patient takes home: letters, the booklet, the calendar."""
