"""An embedded stand-in for Odoo, speaking Odoo's own JSON-RPC.

In: the calls of any Odoo client, for the models we use. Out: Odoo's answers, errors and race outcomes, as 17.0 or 19.0;
kept in one SQLite file that survives the death of its process. Never here: anything our own adapter relies on but Odoo
does not do; the tests compare both.
"""

from edi_server.erp.sandbox.faults import Fault
from edi_server.erp.sandbox.server import VERSIONS, Sandbox

__all__ = ["VERSIONS", "Fault", "Sandbox"]
