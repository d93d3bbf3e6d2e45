#!/bin/sh
# Is a helper script that somebody left in the plugins' directory: prints its usage and exits with code 2.
# A host can know only by running it.
echo "usage: $0 FROM TO"
exit 2
