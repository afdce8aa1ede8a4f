"""HTTP functions of every shape that the host must serve."""

import asyncio
import logging

import azure.functions as func
from fastapi import FastAPI, Request, Response

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
logger = logging.getLogger("web")


@app.route("ping", methods=["GET"])
async def ping(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("pong")


@app.route("sync")
def synchronous(req: func.HttpRequest) -> str:
    return req.method


@app.route("items/{number:int}", methods=["GET"])
async def item_by_number(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(f"number {req.route_params['number']}")


@app.route("items/{name:alpha:minlength(2)}", methods=["GET"])
async def item_by_name(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(f"name {req.route_params['name']}")


@app.route("items/{name}", methods=["DELETE"])
async def delete_item(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(status_code=204)


@app.route("files/{*path}", methods=["GET", "HEAD"])
async def files(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(req.route_params.get("path", ""), headers={"content-length": "12345"})


@app.route("echo", methods=["POST"])
async def echo(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    headers = {"x-url": req.url, "x-query": req.params.get("q", ""), "x-header": req.headers.get("x-twice", "")}
    headers["x-trace"] = context.trace_context.trace_parent
    return func.HttpResponse(req.get_body(), mimetype="application/octet-stream", headers=headers)


@app.route("slow")
async def slow(req: func.HttpRequest) -> func.HttpResponse:
    logger.info("slow started")
    await asyncio.sleep(float(req.params["seconds"]))
    return func.HttpResponse("slow is done")


@app.route("boom")
async def boom(req: func.HttpRequest) -> func.HttpResponse:
    raise ValueError("first line\nsecond line")


@app.route("of-function", auth_level=func.AuthLevel.FUNCTION)
async def of_function(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("function")


@app.route("of-admin", auth_level=func.AuthLevel.ADMIN)
async def of_admin(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("admin")


api = FastAPI()


@api.get("/api/asgi/cookies")
async def cookies(response: Response) -> str:
    response.set_cookie("first", "1", max_age=60)
    response.set_cookie("second", "2", httponly=True)
    return "two"


@api.post("/api/asgi/size")
async def size(request: Request) -> int:
    return len(await request.body())


@app.route("asgi/{*path}")
async def asgi(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    return await func.AsgiMiddleware(api).handle_async(req, context)
