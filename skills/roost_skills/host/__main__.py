"""`python -m roost_skills.host`."""

import sys

from roost_skills.host.main import main

if __name__ == "__main__":
    sys.exit(main())
