"""Jobs: many clips by one request, kept in a database until they are done."""
