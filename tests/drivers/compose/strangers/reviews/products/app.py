"""The subgraph of products."""

import strawberry
from starlette.applications import Starlette
from starlette.routing import Route
from strawberry.asgi import GraphQL


@strawberry.federation.type(keys=["id"])
class Product:
    """Something to be sold."""

    id: strawberry.ID
    name: str

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> "Product":  # noqa: A002 - the key's name
        """The product of that id."""
        return cls(id=id, name=f"product {id}")


@strawberry.type
class Query:
    """What can be asked."""

    @strawberry.field
    def products(self) -> list[Product]:
        """All of them."""
        return [Product(id=strawberry.ID(str(number)), name=f"product {number}") for number in range(1, 4)]


app = Starlette(routes=[Route("/graphql", GraphQL(strawberry.federation.Schema(Query)))])
