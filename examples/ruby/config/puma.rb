port ENV.fetch("PORT", 8080)
threads 1, 8
