"""What schemathesis does not know: lines of JSON are text."""
import schemathesis

schemathesis.serializer.alias("application/x-ndjson", "text/plain")
