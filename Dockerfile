# One image for web, worker, beat and the one-shot migration; docker-compose.yml says which it is.
FROM python:3.11-slim-bookworm

# GDAL brings GEOS and PROJ, the three libraries that GeoDjango loads.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gdal-bin \
    && rm -rf /var/lib/apt/lists/*

# A new volume takes the folder's owner. Compiled kernels are kept in the home folder.
RUN useradd --system --create-home --uid 10001 isd && install --directory --owner isd /srv/frames
WORKDIR /srv/isd

# The lock before the code: a change of code does not install the packages again.
COPY requirements.txt requirements-s3.txt ./
ARG WITH_S3=
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes --requirement requirements.txt \
    ${WITH_S3:+--requirement requirements-s3.txt}

COPY . .
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 ISD_BIND=0.0.0.0:8000
USER isd
EXPOSE 8000
CMD ["gunicorn", "--config", "python:ops.gunicorn", "isd.wsgi"]
