"""What every page needs: the room, the visitor, answers, live changes."""
