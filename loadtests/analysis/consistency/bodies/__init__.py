"""What bodies of requests hold: the fields of a form, and the documents of GraphQL. PURE."""
