"""Where a real API server and our own checks do not agree, and why: the whole list.

Documents of the corpus by name. What is true of an object, the sidecar answers with ConfigRejected; the last good
config stays.
"""

# The API server stores them, and we refuse them.
OBJECTS = {
    "env-hides-the-cookie-in-an-entry": "a rule in CEL may cost so much at most, by the bounds of all lists on its way:"
    " 64 kinds of 4096 plugins of 256 variables are over it a hundredfold; in defaults it is refused there, too",
    "nested-too-deep": "a schema cannot bound how deep a free-form config is nested",
}

# The text has a mistake of which nothing is left in the object that the API server makes of it.
TEXTS = {
    "keys-that-are-no-text": "the API server makes a text of the key's value: on becomes true",
    "second-config": "a request holds one object; kubectl sends the documents one by one",
    "second-document": "a request holds one object; kubectl sends the documents one by one",
    "unknown-tag": "tags that it does not know are passed over there",
}

# Good as a file, for kubectl sends JSON; but not as YAML in a request of one's own.
THROUGH_KUBECTL = {
    "anchors-and-merge": "strict decoding takes a field over one from a merge for a duplicate",
    "beside-other-kinds": "a request is one document",
    "empty-documents-around": "a request is one document",
}
