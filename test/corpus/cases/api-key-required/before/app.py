from fastapi import FastAPI

app = FastAPI()


@app.get("/v1/models")
def models():
    return []
