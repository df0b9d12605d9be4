import os

from fastapi import FastAPI, HTTPException, Security
from fastapi.security import APIKeyHeader

app = FastAPI()
key = APIKeyHeader(name="X-API-Key", auto_error=False)


@app.get("/v1/models")
def models(given: str = Security(key)):
    if given != os.environ["API_KEY"]:
        raise HTTPException(status_code=401)
    return []
