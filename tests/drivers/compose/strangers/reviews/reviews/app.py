"""The subgraph of reviews: what people say of products that another subgraph has."""

import strawberry
from starlette.applications import Starlette
from starlette.routing import Route
from strawberry.asgi import GraphQL


@strawberry.type
class Review:
    """What somebody says."""

    text: str


@strawberry.federation.type(keys=["id"])
class Product:
    """A product, as far as it is reviewed."""

    id: strawberry.ID

    @strawberry.field
    def reviews(self) -> list[Review]:
        """What is said of it."""
        return [Review(text=f"{self.id} is fine")]

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> "Product":  # noqa: A002 - the key's name
        """The product of that id."""
        return cls(id=id)


@strawberry.type
class Query:
    """What can be asked."""

    @strawberry.field
    def latest(self) -> Review:
        """The latest."""
        return Review(text="fine")


app = Starlette(routes=[Route("/graphql", GraphQL(strawberry.federation.Schema(Query, types=[Product])))])
