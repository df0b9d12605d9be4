import requests

BASE = "http://source:8000"

models = requests.get(f"{BASE}/v1/models").json()
