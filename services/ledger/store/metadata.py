"""All tables of the database as one description: the ledger's and the registry's."""

from sqlalchemy import MetaData
from sqlmodel import SQLModel

from services.ledger.store import models as ledger_models
from services.registry import models as registry_models

METADATA: MetaData = SQLModel.metadata
"""Complete once the modules that declare tables are imported, which this one sees to."""

DECLARING_MODULES = (ledger_models, registry_models)
