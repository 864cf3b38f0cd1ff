"""Tax invoices as files: ``GET /tax-invoices/ID.pdf?language=BANGLA``, for whoever may read them."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from certify_stack.erp.document_generator import forms
from certify_stack.erp.document_generator.mushak import FormLanguage, number_of
from certify_stack.erp.document_generator.tax_invoices import READ, printed
from certify_stack.kit.endpoint import RefusedError, authenticate
from certify_stack.kit.errors import DomainError, ForbiddenError, InvalidInputError
from certify_stack.kit.runtime import Context, Runtime
from certify_stack.kit.scalars import parse_id

PATH = "/tax-invoices/{key}.pdf"


def add_routes(app: Starlette, runtime: Runtime) -> None:
    """Add the route."""

    async def pdf(request: Request) -> Response:
        try:
            return await _pdf(runtime, request)
        except RefusedError as refused:
            return refused.response()

    app.add_route(PATH, pdf, methods=["GET"])


async def _pdf(runtime: Runtime, request: Request) -> Response:
    principal = await authenticate(runtime, request)
    try:
        Context(runtime, principal).require("GET tax invoice", READ)
        key, language = parse_id(request.path_params["key"]), _language(request)
        row = next(iter(await runtime.database.fetch(forms.BY_IDS, [key])), None)
        if row is None:
            raise RefusedError(404, "not_found", "there is no tax invoice with this id")
        content = await printed(row, language)
    except DomainError as error:
        raise _refusal(error) from error
    name = f"mushak-6.3-{number_of(row['fiscal_year'], row['serial']).replace('/', '-')}.pdf"
    headers = {"content-disposition": f'inline; filename="{name}"', "x-content-type-options": "nosniff"}
    return Response(content, media_type="application/pdf", headers=headers)


def _language(request: Request) -> FormLanguage:
    given = request.query_params.get("language", FormLanguage.BANGLA)
    if given not in set(FormLanguage):
        raise InvalidInputError(f"language is one of {', '.join(FormLanguage)}")
    return FormLanguage(given)


def _refusal(error: DomainError) -> RefusedError:
    status = 403 if isinstance(error, ForbiddenError) else 400 if isinstance(error, InvalidInputError) else 503
    return RefusedError(status, error.code.lower(), error.message)
